"""What commands share: files and settings read, the engine asked, output written."""
