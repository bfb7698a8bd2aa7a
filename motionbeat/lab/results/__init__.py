"""The report: tables, training curves and stick figures on one page that needs no network."""
