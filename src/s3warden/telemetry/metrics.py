"""Every counter, gauge and histogram of the daemon, in one class with the registry injected.

Labels are closed sets: no bucket name, principal or event id. State (findings, buckets, coverage) is not here: a
collector computes it at scrape time, so that what is gone vanishes.
"""

from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_LAG = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800)
_STAGE = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_FIX = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800)
_API = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The daemon's own metrics; `registry` is where they live, one per application."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._queue_metrics(registry)
        self._refresh_metrics(registry)
        self._own_rule_metrics(registry)
        self._sweep_metrics(registry)
        self._aws_metrics(registry)
        self._delivery_metrics(registry)
        self._remediation_metrics(registry)
        self._process_metrics(registry)

    def _queue_metrics(self, registry: CollectorRegistry) -> None:
        counter = partial(_counter, registry)
        self.messages_received = counter("messages_received", "Messages received from a queue.", "queue")
        self.messages_deleted = counter("messages_deleted", "Messages deleted after their work was done.", "queue")
        self.messages_delete_failed = counter("messages_delete_failed", "Deletes that the queue refused.", "queue")
        self.messages_redelivered = counter("messages_redelivered", "Messages received more than once.", "queue")
        self.messages_returned = counter("messages_returned", "Messages given back for a later try.", "queue", "reason")
        self.messages_poison = counter("messages_poison", "Messages that cannot be understood.", "queue", "reason")
        self.queue_errors = counter("queue_errors", "Calls to a queue that failed.", "queue", "reason")
        self.queue_up = Gauge(
            "s3warden_queue_up", "1 while the queue answers, 0 while it does not.", ["queue"], registry=registry
        )
        self.queue_last_message = Gauge(
            "s3warden_queue_last_message_timestamp_seconds",
            "When the queue last gave a message.",
            ["queue"],
            registry=registry,
        )
        self.queue_redrive = Gauge(
            "s3warden_queue_redrive_policy",
            "1 if the queue has a redrive policy, 0 if bad messages never leave it.",
            ["queue"],
            registry=registry,
        )
        self.events_received = counter("events_received", "Events that ask for a fresh look, by name.", "event_name")
        self.events_ignored = counter("events_ignored", "Events understood and left alone.", "reason")
        self.event_lag = Histogram(
            "s3warden_event_lag_seconds",
            "Time from the call (CloudTrail eventTime) to each stage.",
            ["stage"],
            buckets=_LAG,
            registry=registry,
        )
        self.last_event = Gauge(
            "s3warden_last_event_timestamp_seconds",
            "When an account last had an event.",
            ["account_id"],
            registry=registry,
        )
        self.clock_skew = Gauge(
            "s3warden_clock_skew_seconds", "Own clock minus the clock of the AWS endpoint.", registry=registry
        )

    def _refresh_metrics(self, registry: CollectorRegistry) -> None:
        self.refreshes = Counter("s3warden_refreshes", "Finished refreshes.", ["origin"], registry=registry)
        self.refreshes_failed = Counter(
            "s3warden_refreshes_failed", "Refreshes that ended in an error.", ["reason"], registry=registry
        )
        self.refreshes_merged = Counter(
            "s3warden_refreshes_merged", "Requests that joined one already waiting.", registry=registry
        )
        self.refresh_duration = Histogram(
            "s3warden_refresh_duration_seconds",
            "From the start of a refresh to its commit.",
            buckets=_STAGE,
            registry=registry,
        )
        self.refresh_pending = Gauge("s3warden_refresh_pending", "Subjects waiting for a refresh.", registry=registry)
        self.refresh_in_progress = Gauge("s3warden_refresh_in_progress", "Refreshes under way.", registry=registry)
        self.finding_changes = Counter(
            "s3warden_finding_changes", "Steps in the history of findings.", ["kind", "severity"], registry=registry
        )
        self.rule_errors = Counter(
            "s3warden_rule_errors", "Rules that came to no verdict.", ["rule_id"], registry=registry
        )

    def _own_rule_metrics(self, registry: CollectorRegistry) -> None:
        self.own_rule_slow = Counter(
            "s3warden_own_rule_slow", "Evaluations of own rules that took too long.", ["rule_id"], registry=registry
        )
        self.own_rules_off = Gauge(
            "s3warden_own_rule_off", "1 for an own rule that was too slow too often.", ["rule_id"], registry=registry
        )

    def _sweep_metrics(self, registry: CollectorRegistry) -> None:
        self.sweep_in_progress = Gauge("s3warden_sweep_in_progress", "1 while a sweep runs.", registry=registry)
        self.sweep_duration = Gauge(
            "s3warden_sweep_duration_seconds", "How long the last sweep took.", registry=registry
        )
        self.sweep_last_success = Gauge(
            "s3warden_sweep_last_success_timestamp_seconds", "When a sweep last ended.", registry=registry
        )
        self.sweep_drift = Counter(
            "s3warden_sweep_drift", "Changes that a sweep found and no event had told.", ["category"], registry=registry
        )
        self.sweep_failures = Counter(
            "s3warden_sweep_failures", "Accounts or regions that a sweep could not list.", ["reason"], registry=registry
        )
        self.account_last_success = Gauge(
            "s3warden_account_last_success_timestamp_seconds",
            "When an account was last listed in full.",
            ["account_id"],
            registry=registry,
        )

    def _aws_metrics(self, registry: CollectorRegistry) -> None:
        self.aws_calls = Counter(
            "s3warden_aws_api_calls", "Calls to AWS, retries included.", ["service", "operation"], registry=registry
        )
        self.aws_errors = Counter(
            "s3warden_aws_api_errors", "Calls to AWS that failed.", ["service", "cause"], registry=registry
        )
        self.aws_throttles = Counter(
            "s3warden_aws_api_throttles", "Calls that AWS asked to slow down.", ["service"], registry=registry
        )
        self.aws_duration = Histogram(
            "s3warden_aws_api_duration_seconds",
            "Duration of calls to AWS.",
            ["service"],
            buckets=_API,
            registry=registry,
        )

    def _delivery_metrics(self, registry: CollectorRegistry) -> None:
        self.notifications = Counter(
            "s3warden_notifications", "Attempts to deliver a message.", ["destination"], registry=registry
        )
        self.notifications_failed = Counter(
            "s3warden_notifications_failed", "Attempts that failed.", ["destination", "reason"], registry=registry
        )
        self.notifications_refused = Counter(
            "s3warden_notifications_refused",
            "Messages given up for good.",
            ["destination", "reason"],
            registry=registry,
        )
        self.notification_delay = Histogram(
            "s3warden_notification_delay_seconds",
            "From the commit of a change to the delivery of its message.",
            ["destination"],
            buckets=_STAGE,
            registry=registry,
        )
        self.outbox_pending = Gauge(
            "s3warden_outbox_pending", "Messages waiting for delivery.", ["destination"], registry=registry
        )
        self.store_commits = Counter("s3warden_store_commits", "Transactions of the store.", registry=registry)
        self.store_commits_failed = Counter(
            "s3warden_store_commits_failed", "Transactions that failed.", registry=registry
        )

    def _remediation_metrics(self, registry: CollectorRegistry) -> None:
        counter = partial(_counter, registry)
        self.remediations = counter("remediations", "Remediations and undoings that ended.", "result", "mode")
        self.remediations_held = counter("remediations_held", "Fixes that were not made, by the reason.", "reason")
        self.remediations_given_up = counter("remediations_given_up", "Findings left to people after failed tries.")
        self.remediation_errors = counter("remediation_errors", "Remediations that crashed or waited.", "reason")
        self.remediation_own_events = counter("remediation_own_events", "Events of s3warden's own changes.")
        self.remediation_duration = Histogram(
            "s3warden_remediation_duration_seconds",
            "From the message about a change to the verified fix.",
            buckets=_FIX,
            registry=registry,
        )
        self.remediations_pending = Gauge(
            "s3warden_remediations_pending", "Findings waiting for a fix to be tried.", registry=registry
        )
        self.remediations_in_progress = Gauge(
            "s3warden_remediations_in_progress", "Fixes being tried.", registry=registry
        )

    def _process_metrics(self, registry: CollectorRegistry) -> None:
        self.build_info = Gauge(
            "s3warden_build_info", "Always 1.", ["version", "revision", "python"], registry=registry
        )
        self.config_info = Gauge("s3warden_config_info", "Always 1.", ["hash"], registry=registry)
        self.config_reload_successful = Gauge(
            "s3warden_config_last_reload_successful", "1 if the last load of the settings worked.", registry=registry
        )
        self.config_reload_success = Gauge(
            "s3warden_config_last_reload_success_timestamp_seconds", "When settings were last taken.", registry=registry
        )
        self.ready = Gauge("s3warden_ready", "1 while the daemon is ready.", registry=registry)
        self.log_messages = Counter("s3warden_log_messages", "Lines logged.", ["level"], registry=registry)


def _counter(registry: CollectorRegistry, name: str, text: str, *labels: str) -> Counter:
    return Counter(f"s3warden_{name}", text, labels, registry=registry)
