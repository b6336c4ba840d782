"""Two organisations with some weeks of history, and devices that go on living."""
