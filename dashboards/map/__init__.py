"""The park's own base map: tiles and outlines drawn from the published zones, no foreign map server needed."""
