"""The figures of the report, one in each module. They draw tables, and compute nothing that a table lacks."""
