"""ViTPain: reads PSPI and six Action Units from a picture of a face."""
