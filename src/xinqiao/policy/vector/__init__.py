"""What a batch is made of: values with error bounds, masks, tables and exact settling, in columns."""
