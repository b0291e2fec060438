"""Answers as the bundle's file `behaviour` says: doubles the column x, or fails in one of many ways."""

import json
import os
import sys
import time
from importlib.metadata import version


def reply(document):
    print(json.dumps(document), flush=True)


def main():
    assert sys.argv[1] == "score"
    with open(os.path.join(sys.argv[2], "behaviour")) as file:
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
    for line in sys.stdin:
        x = json.loads(line)["columns"]["x"]
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
