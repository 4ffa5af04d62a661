"""The exercises of notebook 13_draw_a_digit."""
