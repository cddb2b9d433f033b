package smsgate.core

import java.io.Closeable
import java.io.File
import java.time.Instant
import java.time.ZoneId
import java.util.UUID

/** What [Journal.recover] found. */
class Recovered(val released: Int, val unknown: Int)

/**
 * The phone's journal: what makes a crash harmless. The SQL is in `journal.sql`.
 *
 * Every method is one transaction; when it returns, the disk has it. Methods that report to the
 * server put the event into the outbox in the same transaction as the change that it reports. A
 * file that is corrupt, or a copy, is set aside. Used by one thread; every method may throw
 * [StoreException].
 */
class Journal(
  file: File,
  opener: StoreOpener,
  private val clock: Clock,
  /** Makes the ids of events, claims and the install. */
  private val ids: () -> String = { UUID.randomUUID().toString() },
  private val vault: TokenVault = NoVault,
  identify: (File) -> String? = { null },
  /** False: a file that is corrupt, or a copy, is left alone and throws. */
  setsAside: Boolean = true,
  /** The steps that bring the file to their last version. */
  schema: List<String> = Sql.schema,
) : Closeable {
  private val file = JournalFile(file, opener, identify, schema)

  /** Where the former file is, if this journal was begun anew because of it. */
  var setAsideAs: File? = null
    private set
  private var store: Store = if (setsAside) openOrSetAside() else openOwn()

  /** Cache of the most frequent reads; a write invalidates it. */
  private var knownLeased: List<LeasedMessage>? = null
  private var knownPauses: Map<Int, Pause>? = null

  /** The last write was refused: the disk is full, for one. */
  var isRefusing = false
    private set

  private fun <T> write(block: () -> T): T {
    forgetKnown()
    try {
      return store.transaction(block).also { isRefusing = false }
    } catch (error: StoreException) {
      isRefusing = true
      throw error
    } finally {
      forgetKnown()
    }
  }

  private fun forgetKnown() {
    knownLeased = null
    knownPauses = null
  }

  // --- the file ---

  private fun openOrSetAside(): Store {
    val reason = try {
      return openOwn()
    } catch (_: StoreCorruptException) {
      StopReason.JOURNAL_CORRUPT
    } catch (_: JournalCopiedException) {
      StopReason.JOURNAL_COPIED
    }
    return beginAnew(reason)
  }

  private fun openOwn(): Store {
    val opened = file.open()
    val sealed = opened.query(Sql["setting"], TOKEN) { it.text(0) }.firstOrNull()
    if (sealed == null || vault.open(sealed) != null) return opened
    opened.close()
    throw JournalCopiedException("this phone cannot open the token")
  }

  private fun beginAnew(reason: StopReason?): Store {
    setAsideAs = file.moveAside()
    return file.open().also { fresh ->
      reason?.let { fresh.transaction { fresh.execute(Sql["set"], STOPPED, it.code) } }
    }
  }

  /**
   * Renames the file and begins an empty one, which is a new install to the server. The new one is
   * stopped for this reason until its owner decides; null: this is the decision.
   */
  fun setAside(reason: StopReason?) {
    store.close()
    forgetKnown()
    store = beginAnew(reason)
  }

  override fun close() = store.close()

  // --- settings ---

  private operator fun get(key: String): String? =
    store.query(Sql["setting"], key) { it.text(0) }.firstOrNull()

  private operator fun set(key: String, value: String) {
    store.execute(Sql["set"], key, value)
  }

  private fun unset(key: String) {
    store.execute(Sql["unset"], key)
  }

  /** Names this journal to the server; a new journal is a new install. */
  fun installId(): String = getOrMake("install_id")

  /** The id of the next claim, on disk before it is asked, and the same until a 200 came. */
  fun claimId(): String = getOrMake(CLAIM_ID)

  /** For a call that claims nothing: it need not be on disk, where nothing can be written. */
  fun claimIdForNothing(): String = this[CLAIM_ID] ?: ids()

  private fun getOrMake(key: String): String =
    this[key] ?: ids().also { made -> write { this[key] = made } }

  val baseUrl: String? get() = this[BASE_URL]

  /** SHA-256 of the one certificate that is trusted; null: the system's trust. */
  val pin: String? get() = this[PIN]
  val deviceId: Long? get() = this[DEVICE_ID]?.toLong()
  val token: String? get() = this[TOKEN]?.let(vault::open)

  /** Why this phone does nothing until its owner decides; null: it is at work. */
  val stopReason: StopReason?
    get() = StopReason.of(this[STOPPED]) ?: StopReason.NOT_PAIRED.takeIf { this[TOKEN] == null }

  fun stop(reason: StopReason) = write { this[STOPPED] = reason.code }

  /** The owner has seen that the journal was set aside: this is a new phone, to be paired. */
  fun forgetSetAside() = write {
    if (StopReason.of(this[STOPPED])?.isSetAside == true) unset(STOPPED)
  }

  /** The phone's wall clock when the server last answered a sync. */
  val lastSync: String? get() = this[SYNCED_AT]

  /** The number of the last answer to a sync; null: the server did not count. */
  val syncNumber: Long? get() = this[SYNC_NUMBER]?.toLong()

  /** The pace that the server asked for last. */
  val pace: Pace
    get() = Pace(paceHistory()).also {
      it.limit(
        this[PACE_MS]?.toLong() ?: Pace.PACE_MS,
        this[SEGMENTS]?.toInt() ?: Pace.SEGMENTS_PER_MINUTE,
      )
    }

  /** A new token. What was leased to another device of this phone is given back. */
  fun storePairing(invitation: Invitation, reply: PairReply) = write {
    val known = this[DEVICE_ID]
    if (known != null && known != reply.deviceId.toString()) {
      leased().forEach { release(it.key, "cancelled") }
    }
    this[BASE_URL] = invitation.baseUrl
    this[DEVICE_ID] = reply.deviceId.toString()
    this[TOKEN] = vault.seal(reply.token)
    if (invitation.pin == null) unset(PIN) else this[PIN] = invitation.pin
    unset(STOPPED)
    unset(SYNC_NUMBER) // another server's, maybe
  }

  // --- reading ---

  /** In the order in which they go: high priority first, then by id. */
  fun leased(): List<LeasedMessage> =
    knownLeased ?: store.query(Sql["leased"], read = ::readLeased).also { knownLeased = it }

  private fun readLeased(row: Store.Row) = LeasedMessage(
    messageId = row.long(0),
    attempt = row.long(1).toInt(),
    phone = row.text(2),
    text = row.text(3),
    sim = if (row.isNull(4)) null else row.long(4).toInt(),
    priority = row.long(5).toInt(),
    startBeforeMs = row.long(6),
  )

  /** When the oldest attempt was started that still waits for the radio's answer. */
  fun firstStartedMs(): Long? =
    store.query(Sql["first_started"]) { if (it.isNull(0)) null else it.long(0) }.first()

  /** The oldest events, as JSON. */
  fun outbox(limit: Int): List<String> = store.query(Sql["outbox"], limit) { it.text(0) }

  fun unreported(): Int = store.query(Sql["unreported"]) { it.long(0).toInt() }.first()

  /** How many attempts are in which state. */
  fun counts(): Map<AttemptState, Int> = store.query(Sql["counts"]) {
    AttemptState.of(it.text(0)) to it.long(1).toInt()
  }.toMap()

  private fun paceHistory(): List<Start> = store.query(Sql["pace"]) {
    Start(it.long(0), it.long(1).toInt(), it.long(2).toInt())
  }

  /** How many SMS parts this SIM has started today, by the phone's own calendar. */
  fun startedToday(sim: Int): Int {
    val (day, parts) = this[startedKey(sim)]?.split(" ") ?: return 0
    return if (day == today()) parts.toInt() else 0
  }

  private fun startedKey(sim: Int) = "started_by_sim_$sim"

  private fun today() = clock.wall().atZone(ZoneId.systemDefault()).toLocalDate().toString()

  // --- the life of an attempt ---

  /**
   * After a start of the program: whatever was started and not answered is unknown for ever. After
   * a reboot the monotonic clock counts anew, so that every lease counts as run out.
   */
  fun recover(): Recovered {
    val nowMs = clock.monotonicMs()
    val isOtherBoot = this["boot_id"] != clock.bootId || paceHistory().any { it.atMs > nowMs }
    return write {
      val unknown = giveUpStarted(Long.MAX_VALUE)
      val released = if (isOtherBoot) leased() else emptyList()
      released.forEach { release(it.key, "window_closed") }
      if (isOtherBoot) {
        store.execute(Sql["restart_pace"], nowMs)
        pauses().forEach { (sim, pause) -> this["$PAUSED$sim"] = pause.rebooted(nowMs).toString() }
      }
      this["boot_id"] = clock.bootId
      Recovered(released.size, unknown.size)
    }
  }

  /** Writes down everything that a sync's 200 says; returns how many messages are new. */
  fun accept(reply: SyncReply): Int = write {
    reply.acked.forEach { store.execute(Sql["ack"], it) }
    val new = reply.messages.sumOf(::lease)
    if (reply.cancel.isNotEmpty()) {
      leased().filter { it.messageId in reply.cancel }.forEach { release(it.key, "cancelled") }
    }
    if (reply.forget) unsetOfSims(REFUSED)
    unset(CLAIM_ID)
    this[PACE_MS] = reply.paceMs.toString()
    this[SEGMENTS] = reply.segmentsPerMinute.toString()
    reply.syncNumber?.let { this[SYNC_NUMBER] = it.toString() }
    this[SYNCED_AT] = clock.wall().toString()
    store.execute(Sql["purge_acked"])
    store.execute(Sql["purge_parts"])
    new
  }

  private fun lease(message: LeasedMessage): Int {
    val new = store.execute(
      Sql["lease"],
      message.messageId,
      message.attempt,
      message.phone,
      message.text,
      message.sim,
      message.priority,
      message.startBeforeMs,
    )
    // A newer attempt fences off an older one that was never started.
    store.query(Sql["older_leases"], message.messageId, message.attempt, read = ::readKey)
      .forEach { release(it, "cancelled") }
    return new
  }

  /**
   * Writes down leased → sending, its event and its place in the pace; then the radio is called.
   * False: it may not be started any more.
   */
  fun start(message: LeasedMessage, parts: Int, sim: Int, nowMs: Long, keepPaceMs: Long): Boolean =
    write {
      val isStarted =
        store.execute(Sql["start"], parts, sim, nowMs, message.messageId, message.attempt) == 1
      if (isStarted) {
        addEvent("started", message.key, "parts" to parts)
        store.execute(Sql["prune_pace"], nowMs - keepPaceMs)
        store.execute(Sql["note_pace"], nowMs, sim, parts)
        this[startedKey(sim)] = "${today()} ${startedToday(sim) + parts}"
        // Where it is paused, this one shows whether that is over.
        pauses()[sim]?.let { this["$PAUSED$sim"] = it.probed(nowMs).toString() }
      }
      isStarted
    }

  fun release(message: LeasedMessage, code: String) = write { release(message.key, code) }

  private fun release(key: AttemptKey, code: String) {
    if (store.execute(Sql["release"], key.messageId, key.attempt) == 1) {
      addEvent("released", key, "code" to code)
    }
  }

  /** Writes down sending → uncertain for all that were started then or before. */
  fun giveUp(notAfterMs: Long): List<AttemptKey> = write { giveUpStarted(notAfterMs) }

  private fun giveUpStarted(notAfterMs: Long): List<AttemptKey> =
    store.query(Sql["sending"], notAfterMs, read = ::readKey).onEach { key ->
      store.execute(Sql["give_up"], key.messageId, key.attempt)
      addEvent("unknown", key)
    }

  private fun readKey(row: Store.Row) = AttemptKey(row.long(0), row.long(1).toInt())

  /**
   * Writes down what the radio and the network said; the same report twice counts once. One that comes
   * after its attempt was forgotten is passed on all the same.
   */
  fun record(reports: List<Report>) = write {
    for (report in reports) {
      val route = routeOf(report.messageId, report.attempt)
      if (route != null && !isNew(report)) continue
      addEvent(
        report.type.wire, AttemptKey(report.messageId, report.attempt),
        "part" to report.part, "parts" to report.parts, "code" to report.code,
      )
      val isFinished = store.execute(Sql["finish"], report.messageId, report.attempt) == 1
      if (route?.sim != null) judgeSim(route.sim, route.phone, report, isFinished)
    }
  }

  private fun isNew(report: Report) = store.execute(
    Sql["answer"], report.messageId, report.attempt, report.part, report.type.wire,
  ) == 1

  /** The SIM of an attempt, and the recipient until the radio has answered. */
  private class Route(val sim: Int?, val phone: String)

  /** Null: nothing is known of this attempt (any more). */
  private fun routeOf(messageId: Long, attempt: Int): Route? =
    store.query(Sql["route"], messageId, attempt) {
      Route(if (it.isNull(0)) null else it.long(0).toInt(), it.text(1))
    }.firstOrNull()

  // --- SIMs that cannot send ---

  /** A part that was sent ends a SIM's pause; attempts that are refused as a whole begin one. */
  private fun judgeSim(sim: Int, phone: String, report: Report, isFinished: Boolean) {
    when {
      report.type != Report.Type.FAILED -> resume(sim.toString())
      isFinished && report.code !in Protocol.NOT_THE_SIM && isRefused(report) -> refuse(sim, phone)
    }
  }

  private fun isRefused(report: Report) =
    store.query(Sql["is_refused"], report.messageId, report.attempt) { true }.isNotEmpty()

  private fun refuse(sim: Int, phone: String) {
    if (sim in pauses()) return
    val refused = Refused.read(this["$REFUSED$sim"]).onceMore(phone)
    if (refused.isEnough) {
      unset("$REFUSED$sim")
      this["$PAUSED$sim"] = Pause.begin(clock.monotonicMs()).toString()
    } else {
      this["$REFUSED$sim"] = refused.toString()
    }
    knownPauses = null
  }

  /** Counts a radio call that threw towards the SIM's pause; it may have sent the message. */
  fun noteRefusal(message: LeasedMessage, sim: Int) = write { refuse(sim, message.phone) }

  private fun resume(sim: String) {
    unset("$REFUSED$sim")
    unset("$PAUSED$sim")
    knownPauses = null
  }

  /** Their owner wants them tried again. */
  fun resumeSims() = write {
    for (prefix in listOf(REFUSED, PAUSED)) unsetOfSims(prefix)
  }

  private fun unsetOfSims(prefix: String) =
    store.query(Sql["settings_of_sims"], prefix) { it.text(0) }.forEach(::unset)

  /** The SIMs that are paused since they cannot send. */
  fun pauses(): Map<Int, Pause> = knownPauses ?: store.query(Sql["settings_of_sims"], PAUSED) {
    it.text(0).removePrefix(PAUSED).toInt() to Pause.read(it.text(1))
  }.toMap().also { knownPauses = it }

  /**
   * An inbound SMS for the outbox. Whoever may hand it over twice gives it an [eventId]; [arrived] is by
   * this phone's clock, [sent] by the network's.
   */
  fun receive(
    sender: String,
    text: String,
    sim: Int?,
    eventId: String = ids(),
    arrived: Instant = clock.wall(),
    sent: Instant? = null,
  ) {
    val body = body(
      eventId, "received", "sender" to clean(sender), "text" to clean(text), "sim" to sim,
      "sent_time" to sent?.toString(), at = arrived,
    )
    write { store.execute(Sql["receive"], eventId, body) }
  }

  private fun addEvent(type: String, key: AttemptKey, vararg fields: Pair<String, Any?>) {
    val eventId = ids()
    val at = arrayOf("message_id" to key.messageId, "attempt" to key.attempt)
    val body = body(eventId, type, *at, *fields)
    store.execute(Sql["report"], eventId, key.messageId, key.attempt, body)
  }

  private fun body(
    eventId: String,
    type: String,
    vararg fields: Pair<String, Any?>,
    at: Instant = clock.wall(),
  ): String {
    val head = arrayOf("event_id" to eventId, "type" to type, "wall_time" to at.toString())
    return encodeJson(linkedMapOf(*head, *fields))
  }
}

/** Replaces lone surrogates and NUL: the server would refuse the whole call, again and again. */
private fun clean(text: String) = wellFormed(text).replace('\u0000', '\uFFFD')

private const val BASE_URL = "base_url"
private const val CLAIM_ID = "claim_id"
private const val DEVICE_ID = "device_id"
private const val PACE_MS = "pace_ms"
private const val PAUSED = "paused_sim_"
private const val PIN = "pin"
private const val REFUSED = "refused_by_sim_"
private const val SEGMENTS = "segments_per_minute"
private const val STOPPED = "stopped"
private const val SYNC_NUMBER = "sync_number"
private const val SYNCED_AT = "synced_at"
private const val TOKEN = "token"
