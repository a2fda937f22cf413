#!/usr/bin/env python3
"""The JSON schema of a manifest, judged by somebody else's validator.

Every good manifest of the corpus, the example and what `init` writes are valid; every wrong one that
parses is not, but for those whose mistakes only the program can know.
"""

import datetime
import json
import pathlib
import subprocess
import sys
import tempfile
import tomllib

import jsonschema

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from exportd_test import PROGRAM, TREE, check, main

MANIFESTS = TREE / "tests/it/manifests"
# What is wrong in them has to be looked up, counted in bytes or read as a calendar.
BEYOND = {"lookups", "never", "handles-long", "job-name-bytes", "job-name-invisible", "output-name-rendition",
          "schedule-days", "schedule-days-both", "schedule-fields", "schedule-quartz-only"}


def plain(value):
    """As editors hand TOML to a validator: dates are strings."""
    match value:
        case dict():
            return {key: plain(one) for key, one in value.items()}
        case list():
            return [plain(one) for one in value]
        case datetime.date() | datetime.time():
            return value.isoformat()
        case _:
            return value


def read(path):
    """The manifest, or None when it is no TOML."""
    try:
        return plain(tomllib.loads(path.read_bytes().decode("utf-8-sig")))
    except ValueError:
        return None


def said(*arguments):
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False)
    check(done.returncode == 0, f"{' '.join(arguments)}: {done.returncode} {done.stderr}")
    return done.stdout


def test():
    schema = json.loads(said("schema"))
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    errors = lambda manifest: [error.message for error in validator.iter_errors(manifest)]
    with tempfile.TemporaryDirectory() as folder:
        starter = pathlib.Path(folder) / "starter.toml"
        said("init", str(starter))
        check(starter.read_text().startswith("#:schema ./exportd.schema.json\n"), "the starter names no schema")
        uncommented = pathlib.Path(folder) / "all.toml"
        lines = (TREE / "config/manifest.example.toml").read_text().splitlines()
        uncommented.write_text("\n".join(line.removeprefix("#= ") for line in lines) + "\n")
        good = [*(MANIFESTS / "good").glob("*.toml"), TREE / "config/manifest.example.toml", starter, uncommented]
        for path in good:
            check(not errors(read(path)), f"{path.name} is refused: {errors(read(path))}")
    passed, refused = set(), 0
    for path in sorted((MANIFESTS / "wrong").glob("*.toml")):
        manifest = read(path)
        if manifest is None:
            continue
        if errors(manifest):
            refused += 1
        else:
            passed.add(path.stem)
    check(passed == BEYOND, f"passed: {sorted(passed - BEYOND)}, refused after all: {sorted(BEYOND - passed)}")
    print(f"{len(good)} good ones valid, {refused} wrong ones refused, {len(passed)} beyond a schema")


if __name__ == "__main__":
    main(test)
