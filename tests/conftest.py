"""How many examples the property tests draw: a few hundred, always the same; or, when asked, new ones by the thousand.

pytest tests/test_arithmetic.py --hypothesis-profile=thorough
"""

from hypothesis import settings

settings.register_profile("quick", max_examples=300, derandomize=True, deadline=None, database=None)
settings.register_profile(
    "thorough", max_examples=10_000, deadline=None, database=None, print_blob=True
)
settings.load_profile("quick")
