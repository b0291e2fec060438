"""Modules beside a handler: its own are found, and none takes the place of a library."""

import pytest
from conftest import PLAIN_HANDLER, run_score

LOUD = "raise SystemExit('the module beside the handler ran')"


def answers(folder):
    lines, log, code = run_score(folder, {"columns": {"a": [1], "b": [2]}})
    assert code == 0, log
    return lines[-1]["predictions"]


# Libraries that the server has imported by then, some that it has not, and of the standard library.
@pytest.mark.parametrize("library", ["numpy", "sklearn", "threadpoolctl", "json", "wave", "mlship_server"])
def test_no_module_takes_the_place_of_a_library(bundle, library):
    folder = bundle(handler=f"import {library}\n" + PLAIN_HANDLER)
    (folder / f"{library}.py").write_text(LOUD)
    assert answers(folder) == [6.0]


def test_a_library_that_the_formats_loader_imports_is_the_installed_one(bundle):
    folder = bundle(handler="def postprocess(outputs, columns): return outputs\n", format="lightgbm")
    (folder / "lightgbm.py").write_text(LOUD)
    _, log, code = run_score(folder)
    assert (code, "ran" in log) == (3, False)


def test_what_lies_beside_the_handler_or_the_model_can_be_imported(bundle):
    package = {"words.py": "FACTOR = 2.0", "own/__init__.py": "", "own/part.py": "from words import FACTOR as F"}
    folder = bundle(handler="from own.part import F\n" + PLAIN_HANDLER.replace("return 2.0", "return F"))
    (folder / "own").mkdir()
    for name, text in package.items():
        (folder / name).write_text(text)
    assert answers(folder) == [6.0]
