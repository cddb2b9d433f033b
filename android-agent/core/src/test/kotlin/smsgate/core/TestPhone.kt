package smsgate.core

import java.io.Closeable
import java.io.File
import kotlin.random.Random

/** At the [count]th time at a checkpoint, or (null) after a statement or commit of the journal. */
data class Death(val checkpoint: Checkpoint?, val count: Int)

/** One phone over all its lives. What its radio was told survives them, as SMS do. */
class TestPhone(
  private val file: File,
  private val server: FakeServer,
  private val plan: Plan = Plan(),
  faults: Faults = Faults(),
  seed: Int = 0,
  private val owner: Owner = NoOwnerSettings,
  private val vault: TokenVault = NoVault,
  private val identify: (File) -> String? = { null },
  isPaired: Boolean = true,
  private val schema: List<String> = Sql.schema,
) : Closeable {
  val clock = ManualClock()

  /** With the moment of a clock that no reboot sets back. */
  val sent = ArrayList<Start>()
  val starts = HashMap<AttemptKey, Int>()
  var onSend: (Sms) -> Unit = {}
  var sims = FakeDevice.sims()
  private val transport = FaultyTransport(server, clock, faults, Random(seed))
  private val fuse = Fuse()

  var journal: Journal = open()
    private set
  lateinit var agent: Agent
    private set
  lateinit var sender: FakeSmsSender
    private set

  init {
    if (isPaired) {
      val invitation = Invitation(FakeServer.URL, FakeServer.CODE)
      journal.storePairing(invitation, PairReply(7, FakeServer.TOKEN, "Demo"))
    }
    beBorn()
  }

  private fun open() =
    Journal(file, fuse, clock, vault = vault, identify = identify, schema = schema)

  private fun beBorn() {
    sender = FakeSmsSender(clock, plan, ::note)
    val device = object : Device by FakeDevice {
      override fun sims() = this@TestPhone.sims
    }
    agent = Agent(journal, transport, sender, clock, device, owner, fuse::passed)
  }

  private fun note(sms: Sms) {
    sent += Start(clock.wall().toEpochMilli(), sms.sim, sms.parts)
    starts.merge(AttemptKey(sms.messageId, sms.attempt), 1, Int::plus)
    onSend(sms)
  }

  /** Until all is done, for so many seconds at most; null if it died on the way. */
  fun run(seconds: Long = 86_400, death: Death? = null): Step? {
    fuse.light(death)
    return try {
      Runner(agent, clock, WakeUp(), hasLongPoll = false)
        .run(untilSettled = true, maxMs = seconds * 1000)
    } catch (_: DiedException) {
      null
    } finally {
      fuse.light(null)
    }
  }

  fun step() = agent.step()

  /** All there is to do at this moment. */
  fun steps(): List<StepKind> {
    val done = ArrayList<StepKind>()
    do done += step().kind while (done.last() !in RESTS)
    return done
  }

  fun restart() {
    journal.close()
    journal = open()
    beBorn()
  }

  fun reboot() {
    clock.reboot()
    restart()
  }

  override fun close() = journal.close()

  private companion object {
    val RESTS = setOf(StepKind.IDLE, StepKind.STOPPED, StepKind.JOURNAL_FAILED)
  }
}

/** Opens stores that die when they are told to; the transaction they are in is lost with them. */
private class Fuse : StoreOpener {
  private val opener = JdbcStore.Opener()
  private var death: Death? = null
  private var left = 0

  fun light(death: Death?) {
    this.death = death
    left = death?.count ?: 0
  }

  fun passed(checkpoint: Checkpoint?) {
    if (death != null && checkpoint == death?.checkpoint && --left == 0) throw DiedException()
  }

  override fun open(file: File): Store = BurningStore(opener.open(file))

  private inner class BurningStore(private val store: Store) : Store by store {
    override fun execute(sql: String, vararg values: Any?): Int =
      store.execute(sql, *values).also { passed(null) }

    override fun <T> transaction(block: () -> T): T =
      store.transaction(block).also { passed(null) }
  }
}
