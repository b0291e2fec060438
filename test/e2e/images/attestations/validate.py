"""Prints what validators of their own projects find in a bill of materials: validate.py spdx|cyclonedx FILE."""

import json
import sys
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from spdx_tools.spdx.parser.error import SPDXParsingError
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document


def problems_of(kind: str, file: str) -> list[str]:
    if kind == "cyclonedx":
        error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(Path(file).read_text(encoding="utf-8"))
        return [] if error is None else [str(error)[:500]]
    try:
        return [message.validation_message for message in validate_full_spdx_document(parse_file(file))]
    except SPDXParsingError as error:
        return list(error.get_messages())


json.dump(problems_of(*sys.argv[1:]), sys.stdout)
