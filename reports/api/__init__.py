"""The audit API's reports."""
