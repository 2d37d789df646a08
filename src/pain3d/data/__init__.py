"""The dataset on disk: schema, writer, reader, audit, card."""
