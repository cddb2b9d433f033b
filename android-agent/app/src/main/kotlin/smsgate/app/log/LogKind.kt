package smsgate.app.log

/** What a line of the log tells. Files have the names, so that a renamed kind is a new one. */
enum class LogKind {
  SENT,
  COLLECTED,
  RELEASED,
  SYNCED,
  SYNC_FAILED,
  GAVE_UP,
  RECOVERED,
  STOPPED,
  JOURNAL_FAILED,
  PAIRED,
  PAIRING_FAILED,
  UNPAIRED,
  PAUSED,
  RESUMED,
  STARTED,
  START_REFUSED,
}
