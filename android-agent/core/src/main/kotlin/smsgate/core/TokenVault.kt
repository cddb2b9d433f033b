package smsgate.core

/** Keeps the phone's token unreadable on its disk. */
interface TokenVault {
  fun seal(token: String): String

  /** The token, or null if this phone cannot open it: then the journal is a copy of another's. */
  fun open(sealed: String): String?
}

/** Where there is no safe place: the file's mode is all there is. */
object NoVault : TokenVault {
  override fun seal(token: String) = token

  override fun open(sealed: String) = sealed
}
