"""Small synthetic stand-ins for the data sets of the recognition tasks, in the official layouts.

With them every task runs offline through the real readers; a score on them says nothing about real music.
"""
