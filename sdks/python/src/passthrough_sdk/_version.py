"""The version of this package, without a look at what is installed."""

VERSION = "0.1.0"
