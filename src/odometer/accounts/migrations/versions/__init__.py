"""One module per step, named r<number>_<what>; never edited after a release."""
