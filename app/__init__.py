"""The page: layout in `ui`, and a folder for each thing that it shows or stands on."""
