"""Downloads: complete or absent, always the same bytes, and unpacked safely.

`fetch` downloads one file over http(s) and resumes after an interruption, `ledger` stores sizes and digests, `unpack`
checks an archive before anything is written to disk.
"""
