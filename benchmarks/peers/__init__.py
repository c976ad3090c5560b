"""Other packages, measured on the same events in processes of their own."""
