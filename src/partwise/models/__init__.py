"""How factors combine; each model builds the step that the engine's loop drives."""
