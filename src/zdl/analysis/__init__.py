"""What the results of the trials tell, and what they cannot: tables, and no drawing."""
