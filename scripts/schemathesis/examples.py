"""Holds every example in a description of the API against its schema."""

import json
import sys
from urllib.parse import quote

import jsonschema_rs


def walk(value, place):
    yield place, value
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in pairs:
        yield from walk(inner, f"{place}/{quote(str(name).replace('~', '~0').replace('/', '~1'))}")


def main(path):
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    count, wrong = 0, []
    for place, value in walk(document, ""):
        if not isinstance(value, dict) or "example" not in value or place.endswith("/properties"):
            continue
        schema = f"{place}/schema" if "schema" in value else place
        validator = jsonschema_rs.Draft202012Validator(
            {"$ref": f"#{schema}", "components": document["components"], "paths": document["paths"]},
            validate_formats=True,
        )
        wrong += [f"{place}: {error.message}" for error in validator.iter_errors(value["example"])]
        count += 1
    print("\n".join(wrong) or f"{count} examples are valid")
    return 1 if wrong or not count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
