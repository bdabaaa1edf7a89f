"""Plain values of the domain, without input or output: calendar, properties, records, strict JSON."""
