"""From a posed mesh, skin maps, a camera and a light to a picture and its annotations."""
