"""The resources of the API. `passthrough.py` is written by hand, the rest is generated from openapi.json."""
