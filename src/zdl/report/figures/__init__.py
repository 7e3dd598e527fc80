"""The figures of the report, one in each module. They only draw tables; `zdl.analysis` computes them."""
