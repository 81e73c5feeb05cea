"""The shipped scenarios: the world as data, the record of rules, counterfactuals and lessons."""
