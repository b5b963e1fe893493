const NAMES = `
  access addOlder arrived arrivedAt asking attempts backoff candidate carried ceilingMs channel
  checkedAt chosenAt claim clock confirmedAt connectionsAreDead conversation dayMark dropped emit
  emitter environment eventAt expected fallen fields fillIn firstAt followed formToken gapMs getPath
  graceMs guests hangUp hasGap hasOlder hastenedAt heardAt heldBackAt helloAt isAsking isAtNewest
  isAway isBacklog isBlocked isBusy isConfirming isDoubting isGreeted isLive isMute isNew isOver
  isPassing isPollSet isProbing isSending isSendingNext isTimerSet isTooLong isUnderWay isUnsayable
  keep lastAgeMs lastRttMs lastSeq later leader ledger letGo listed namedAt needsToken nonce noted
  noteLeader oldestSeq onStatus openChannel openedAt openSession orders ours outbox ownRoom parts
  patience phase pingMs pollBackoff polled polls position post proveAt provedAt proven question
  queued reachedAt readAgain reader reading readings reception removeUnsent renewAt retryMs
  roomState rows seen sender session sessionTicket settle showMembers shownAt showUnsent shrunkAt
  silences sink stopListening stopTimer stopTurn stopWaiting streamBackoff texts tickets timeoutMs
  timeouts timers toNewest tried underWay unknownAt unsayable unsent unshown views waitsForServer
  withinMs wokeAt
`;

/**
 * The properties that get short names in the page's scripts, which saves 3 % on the wire. They are
 * the client's own: none of them is sent, stored, shared between tabs, or read by a browser.
 */
export const SHORT_NAMES = NAMES.trim().split(/\s+/);

/**
 * The properties that get short names in the doctor's script, by the same rule. None of them is in
 * the report, which is shown and copied.
 */
export const DOCTOR_SHORT_NAMES = (
  "arrivedMs gapMs isComplete isInQuery onText quietMs requestByIframe requestOf retrySeconds seesStreams timeoutMs " +
  "tookMs"
).split(" ");
