package smsgate.app.service

import smsgate.app.AndroidDevice
import smsgate.app.OwnerSettings
import smsgate.app.log.EventLog
import smsgate.app.log.LogKind
import smsgate.app.sms.Mailbox
import smsgate.core.Agent
import smsgate.core.Clock
import smsgate.core.Detail
import smsgate.core.Invitation
import smsgate.core.Journal
import smsgate.core.PairingException
import smsgate.core.Protocol
import smsgate.core.Runner
import smsgate.core.SmsSender
import smsgate.core.Step
import smsgate.core.StepKind
import smsgate.core.StoreException
import smsgate.core.WakeUp
import smsgate.core.pair
import java.io.File
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.CopyOnWriteArrayList
import kotlin.concurrent.thread

/**
 * The one thread that the agent and its journal live on. It is started by whoever has something for
 * it (the service, a receiver, a screen) and lives as long as the process.
 */
class Engine(
  private val clock: Clock,
  private val openJournal: () -> Journal,
  private val link: ServerLink,
  private val senderFor: (Journal) -> SmsSender,
  private val device: AndroidDevice,
  private val owner: OwnerSettings,
  private val mailbox: Mailbox,
  private val log: EventLog,
  listeners: List<EngineListener>,
) {
  private val wakeUp = WakeUp()
  private val listeners = CopyOnWriteArrayList(listeners)
  private val early = ConcurrentLinkedQueue<(Journal) -> Unit>()
  private var worker: Thread? = null
  private var runner: Runner? = null

  /** Set on its own thread, before any task runs there. */
  private lateinit var agent: Agent

  @Volatile private var isEnding = false

  @Volatile
  var snapshot = Snapshot.UNKNOWN
    private set

  /** Starts the thread where it does not run, and has it look for what there is to do. */
  @Synchronized
  fun start() {
    if (worker == null) worker = thread(name = "smsgate-agent") { work() }
    post { journal -> mailbox.drainInto(journal) }
  }

  /** Talks to the server now, whatever the agent is waiting for. */
  @Synchronized
  fun syncNow() {
    start()
    runner?.syncNow() // where it is not there yet, it begins with a sync
  }

  /** Ends the thread, for tests. */
  fun end() {
    isEnding = true
    synchronized(this) { runner }?.stop()
    wakeUp.call()
    worker?.join()
    mailbox.close()
  }

  fun listen(listener: EngineListener) {
    listeners += listener
    listener.onChange(snapshot)
  }

  fun unlisten(listener: EngineListener) {
    listeners -= listener
  }

  /** Has this done on the agent's thread, and again later while the journal fails. */
  @Synchronized
  fun post(task: (Journal) -> Unit) {
    runner?.post(task) ?: early.add(task)
    wakeUp.call()
  }

  /**
   * Pairs, and tells why not (null: it did). What is leased by another server is
   * given up first: [isNewOwner] says that the person at the phone wants that.
   */
  fun pair(invitation: Invitation, isNewOwner: Boolean, onDone: (Detail?) -> Unit) {
    start()
    post { journal ->
      val problem = try {
        if (isNewOwner && journal.baseUrl.let { it != null && it != invitation.baseUrl }) {
          beginAnew(journal)
        }
        journal.forgetSetAside()
        pair(journal, link.to(invitation), invitation, device)
        link.follow(invitation.baseUrl, invitation.pin)
        syncNow()
        log.add(LogKind.PAIRED, invitation.host)
        null
      } catch (error: PairingException) {
        log.add(LogKind.PAIRING_FAILED, listOf(error.detail), error.rawMessage)
        error.detail
      }
      publish()
      onDone(problem)
    }
  }

  /** Forgets the server. What is leased goes back to it when its lease is over. */
  fun unpair() {
    start()
    post { journal ->
      beginAnew(journal)
      link.follow(null, null)
      log.add(LogKind.UNPAIRED)
      publish()
    }
  }

  /** By the owner's wish, so nothing is kept of the former one: it has people's numbers in it. */
  private fun beginAnew(journal: Journal) {
    journal.setAside(null)
    val former = journal.setAsideAs ?: return
    listOf("", "-wal", "-shm").forEach { File("$former$it").delete() }
  }

  private fun work() {
    val journal = open() ?: return
    journal.use {
      link.follow(journal.baseUrl, journal.pin)
      agent = Agent(journal, link, senderFor(journal), clock, device, owner)
      val runner = Runner(agent, clock, wakeUp, onStep = ::onStep)
      synchronized(this) {
        this.runner = runner
        generateSequence { early.poll() }.forEach(runner::post)
      }
      while (!isEnding) {
        runner.run()
        // Stopped: until there is something to do that is not the agent's own.
        if (!isEnding) wakeUp.await(A_DAY_MS)
      }
    }
  }

  private fun open(): Journal? {
    while (!isEnding) {
      try {
        return openJournal()
      } catch (error: StoreException) {
        if (snapshot.journalError != error.detail) {
          log.add(LogKind.JOURNAL_FAILED, listOf(error.detail), error.message.orEmpty())
        }
        snapshot = Snapshot.UNKNOWN.copy(journalError = error.detail)
        wakeUp.reset()
        wakeUp.await(RETRY_MS)
      }
    }
    return null
  }

  private fun onStep(step: Step) {
    logKindOf(step)?.let { log.add(it, step.details, step.rawMessage) }
    val error = step.details.firstOrNull().takeIf { step.kind == StepKind.JOURNAL_FAILED }
    publish(step.wakeAtMs, error)
  }

  /** Null: not worth a line. */
  private fun logKindOf(step: Step): LogKind? = when (step.kind) {
    StepKind.RECOVERED -> LogKind.RECOVERED
    StepKind.COLLECTED -> LogKind.COLLECTED
    StepKind.GAVE_UP -> LogKind.GAVE_UP
    StepKind.RELEASED -> LogKind.RELEASED
    StepKind.SYNCED -> LogKind.SYNCED.takeIf { !step.isDull }
    StepKind.SYNC_FAILED -> LogKind.SYNC_FAILED
    StepKind.SENT -> LogKind.SENT
    StepKind.STOPPED -> LogKind.STOPPED.takeIf { snapshot.stopReason != step.stopReason }
    StepKind.JOURNAL_FAILED -> LogKind.JOURNAL_FAILED
    StepKind.IDLE, StepKind.READY, StepKind.QUIET -> null
  }

  private fun publish(wakeAtMs: Long? = null, error: Detail? = null) {
    val before = snapshot
    snapshot = try {
      Snapshot.of(agent, device.sims().map { it.slot }, wakeAtMs).copy(journalError = error)
    } catch (failed: StoreException) {
      before.copy(journalError = error ?: failed.detail)
    }
    if (snapshot.isKnown) owner.isAtWork = snapshot.stopReason == null
    if (snapshot != before) listeners.forEach { it.onChange(snapshot) }
  }

  private companion object {
    const val A_DAY_MS = 86_400_000L
    const val RETRY_MS = Protocol.RETRY_SECONDS * 1000L
  }
}
