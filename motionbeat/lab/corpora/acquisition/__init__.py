"""Files from the net: fetched whole or not at all, the same as the first time, and unpacked without trust.

`fetch` gets one file over http(s) and picks up where a cut left it, `ledger` remembers sizes and digests,
`unpack` looks at an archive before anything of it reaches the disk.
"""
