"""Which switch of params.yaml is worth what: each one turned by itself, over seeds, with paired differences."""
