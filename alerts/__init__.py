"""From verdicts to messages: life cycle of an alert, outbox, one module per channel, wording."""
