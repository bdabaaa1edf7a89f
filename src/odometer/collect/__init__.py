"""Ingestion (chapter 09): turns what senders and import files say into record rows; never touches the store."""
