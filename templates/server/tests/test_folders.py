"""A bundle whose model lies in another folder, and asking a server how it is."""

import shutil
import subprocess
import sys

from conftest import ENVIRONMENT, PLAIN_HANDLER, run_score

READS = PLAIN_HANDLER.replace("return 2.0", "return float(open(folder + '/factor.txt').read())")


def apart(bundle, tmp_path, **changes):
    """The bundle, and the folder that the model's files were moved to."""
    folder = bundle(handler=READS, **changes)
    model = tmp_path / "model"
    model.mkdir()
    shutil.move(folder / "model.bin", model / "model.bin")
    (model / "factor.txt").write_text("3")
    return folder, model


def health(port):
    command = [sys.executable, "-m", "mlship_server", "health", "--port", str(port)]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)


def test_the_handler_loads_from_the_models_folder(bundle, serve, tmp_path):
    folder, model = apart(bundle, tmp_path)
    server = serve(folder, "--model", str(model)).until_ready()
    assert server.predict({"rows": {"a": 1, "b": 2}})[1]["predictions"] == [9.0]


def test_a_model_that_is_not_in_its_folder_is_named(bundle, tmp_path):
    folder, _model = apart(bundle, tmp_path)
    command = [sys.executable, "-m", "mlship_server", "serve", str(folder), "--model", str(tmp_path / "elsewhere")]
    ended = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert ended.returncode == 3
    assert f"names model.bin, which is not in {tmp_path / 'elsewhere'}" in ended.stderr


def test_the_handler_comes_from_the_bundle_and_not_from_the_models_folder(bundle, serve, tmp_path):
    folder, model = apart(bundle, tmp_path)
    (model / "handler.py").write_text("raise SystemExit('the wrong one')")
    server = serve(folder, "--model", str(model)).until_ready()
    assert server.predict({"rows": {"a": 1, "b": 1}})[0] == 200


def test_health_says_whether_the_model_is_loaded(bundle, serve):
    server = serve(bundle()).until_ready()
    assert health(server.port).returncode == 0


def test_health_fails_while_the_model_loads(bundle, serve):
    server = serve(bundle(handler="import time\ndef load(folder): time.sleep(600)\n"))
    asked = health(server.port)
    assert asked.returncode == 1
    assert "the server answers 503" in asked.stderr


def test_health_fails_where_nothing_listens():
    asked = health(1)
    assert asked.returncode == 1
    assert "nothing answers on port 1" in asked.stderr


def test_score_takes_the_models_folder_too(bundle, tmp_path):
    folder, model = apart(bundle, tmp_path)
    document = b'{"columns":{"a":[1],"b":[2]}}\n'
    command = [sys.executable, "-m", "mlship_server", "score", str(folder), "--model", str(model)]
    ended = subprocess.run(command, env=ENVIRONMENT, input=document, capture_output=True, check=False)
    assert b'"predictions":[9.0]' in ended.stdout
    assert run_score(folder)[2] == 3


def test_score_imports_first_and_reads_the_bundle_when_it_is_told(bundle, tmp_path):
    folder, model = apart(bundle, tmp_path)
    written = (folder / "mlship.json").read_bytes()
    (folder / "mlship.json").unlink()
    modules = ["--import", "colorsys", "--import", "no_such_module", "--import", "mlship_server.loaders.python"]
    command = [sys.executable, "-v", "-m", "mlship_server", "score", *modules, str(folder), "--model", str(model)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=ENVIRONMENT, **pipes) as process:
        # What -v says of the last import: nothing reads a bundle that is not there yet.
        while b"import 'mlship_server.loaders.python'" not in process.stderr.readline():
            assert process.poll() is None
        (folder / "mlship.json").write_bytes(written)
        out, said = process.communicate(b'load\n{"columns":{"a":[1],"b":[2]}}\n', timeout=60)
    assert b'"predictions":[9.0]' in out
    assert process.returncode == 0


def test_score_that_is_never_told_to_load_ends_with_its_input(tmp_path):
    command = [sys.executable, "-m", "mlship_server", "score", "--import", "colorsys", str(tmp_path / "none")]
    ended = subprocess.run(command, env=ENVIRONMENT, input=b"", capture_output=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, b"")
