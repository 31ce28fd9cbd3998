#!/usr/bin/env python3
"""Writes the parts of the SDK that follow from openapi.json: models, parameters and the classes of the resources.

    scripts/generate.py            writes them
    scripts/generate.py --check    exits with 1 where what is committed is not what would be written

What is generated is data and one-line methods. How a request is sent is written by hand, once.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from emit_models import models, parameters
from emit_resources import resources

HERE = Path(__file__).resolve().parent.parent
PACKAGE = HERE / "src" / "passthrough_sdk"


def generated() -> dict[Path, str]:
    """Path and text of each generated file."""
    path = os.environ.get("PASSTHROUGH_OPENAPI", str(HERE / "../../openapi.json"))
    api: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return {
        PACKAGE / "models.py": models(api),
        PACKAGE / "params.py": parameters(api),
        PACKAGE / "resources" / "sync.py": resources(api, asynchronous=False),
        PACKAGE / "resources" / "asynchronous.py": resources(api, asynchronous=True),
    }


def main() -> int:
    stale = {
        path: text
        for path, text in generated().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    }
    for path, text in stale.items():
        if "--check" in sys.argv:
            print(f"stale: {path.relative_to(HERE)}; hint: sdks/python/scripts/generate.py")
        else:
            path.write_text(text, encoding="utf-8")
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
