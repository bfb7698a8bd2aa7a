"""The report: tables, training curves and stick figures on one page that works offline.

It compares the paper's tables with ours: Table 1 in `dance_tables` and `recognition_tables`, Table 2 in
`retrieval_tables`. All its figures, those of Table 3 (ablation) too, are in `paper_figures`; `docs/tables.md` has the
command for each row.
"""
