"""The bundled themes: YAML files alone, which `tui.theming` reads."""
