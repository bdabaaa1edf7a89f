"""The analytics store. Only this package knows the engine; ARCHITECTURE.md, The store, says what others may import."""
