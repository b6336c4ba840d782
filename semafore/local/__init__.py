"""What a machine without services needs: embedded PostgreSQL and Valkey, and the demo.

Nothing in production imports this package.
"""
