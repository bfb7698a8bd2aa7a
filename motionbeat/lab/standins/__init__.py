"""Small stand-ins for the recognition tasks' data sets, in their official layouts, synthesised.

They let every task run offline through the real readers, and no more: a score on them means nothing about real music.
"""
