"""The exercises of notebook 12_save_load_resume."""
