"""Answers as the bundle's file `behaviour` says: doubles the column x, or fails in one of many ways."""

import json
import os
import sys
import time
from array import array
from importlib.metadata import version


def reply(document):
    print(json.dumps(document), flush=True)


def answer_batch(batch, behaviour):
    """Doubles x, the only number; says of each text whether it is there."""
    x = array("d", sys.stdin.buffer.read(8 * batch["rows"]))
    codes = array("i", sys.stdin.buffer.read(4 * batch["rows"] * len(batch["texts"])))
    if behaviour == "refuse-batch":
        reply({"error": {"code": "bad-input", "message": "x must be small"}})
        return
    said = {"rows": batch["rows"], "labels": None, "outputs": 1, "width": 2}
    block = array("d", [2 * value for value in x])
    if codes:
        said["labels"] = ["missing", *batch["texts"][0][1]]
        block = array("i", [code + 1 for code in codes])
    reply({"answers": said})
    sys.stdout.buffer.write(block.tobytes())
    chances = array("d", [0.25, 0.75] * batch["rows"]).tobytes()
    sys.stdout.buffer.write(chances[:-8] if behaviour == "short-batch" else chances)
    sys.stdout.buffer.flush()
    if behaviour == "short-batch":
        print("gone in the middle", file=sys.stderr)
        os._exit(4)


def main():
    assert sys.argv[1] == "score"
    if "--import" in sys.argv and sys.stdin.buffer.readline() != b"load\n":
        return
    with open(os.path.join(sys.argv[-1], "behaviour")) as file:
        behaviour = file.read().strip()
    if behaviour == "die-on-load":
        print("cannot import name 'Trees'", file=sys.stderr)
        sys.exit(3)
    if behaviour == "refuse-on-load":
        reply({"error": {"code": "library-version", "message": "needs scikit-learn 1.5.2"}})
        sys.exit(1)
    if behaviour == "hang-on-load":
        time.sleep(60)
    libraries = {"threadpoolctl": version("threadpoolctl")}
    reply({"ready": {"classes": ["a", "b"], "libraries": libraries, "loadSeconds": 0.1, "rss": 1}})
    while line := sys.stdin.buffer.readline():
        request = json.loads(line)
        if "batch" in request:
            answer_batch(request["batch"], behaviour)
            continue
        x = request["columns"]["x"]
        if behaviour == "die":
            print("segmentation fault, almost", file=sys.stderr)
            os.abort()
        if behaviour == "hang":
            time.sleep(60)
        if behaviour == "garbage":
            print("not json", flush=True)
        elif behaviour == "short":
            reply({"predictions": x[1:], "probabilities": None})
        elif behaviour == "environment":
            reply({"predictions": [json.dumps(sorted(os.environ))] * len(x), "probabilities": None})
        elif x == ["bad"]:
            reply({"error": {"code": "bad-input", "message": "x must be a number"}})
        else:
            reply({"predictions": [2 * v for v in x], "probabilities": [[0.25, 0.75] for _ in x]})


main()
