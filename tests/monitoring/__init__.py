"""Prometheus, its rules, Alertmanager and the dashboard, by the real tools."""
