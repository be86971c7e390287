Feature: an effect lands once, or a person is asked
  The connector says what it thinks happened; the host believes it only as far as it saw the wire.
  `nothing` = no byte left the host; `refused` = the target said no for certain; `done` = the target
  answered 2xx; `error` = the target answered 503; `silence` = sent and never answered.

  Scenario Outline: what follows one attempt
    Given an approved intent with one effect whose guarantee is <guarantee>
    When the connector says <claim> and the wire saw <wire>
    Then the effect is <next>

    Examples: a target that honours an idempotency key
      | guarantee | claim     | wire    | next        |
      | by-key    | receipt   | done    | landed      |
      | by-key    | receipt   | nothing | probed      |
      | by-key    | receipt   | silence | sent again  |
      | by-key    | transient | nothing | sent again  |
      | by-key    | transient | error   | sent again  |
      | by-key    | transient | silence | sent again  |
      | by-key    | uncertain | silence | sent again  |
      | by-key    | trap      | nothing | sent again  |
      | by-key    | trap      | silence | sent again  |
      | by-key    | rejected  | refused | rejected    |
      | by-key    | rejected  | silence | sent again  |
      | by-key    | conflict  | refused | sent again  |
      | by-key    | denied    | nothing | denied      |

    Examples: a target that can be asked
      | guarantee | claim     | wire    | next        |
      | by-probe  | receipt   | done    | landed      |
      | by-probe  | receipt   | nothing | probed      |
      | by-probe  | receipt   | silence | probed      |
      | by-probe  | transient | nothing | sent again  |
      | by-probe  | transient | error   | probed      |
      | by-probe  | transient | silence | probed      |
      | by-probe  | uncertain | silence | probed      |
      | by-probe  | trap      | nothing | sent again  |
      | by-probe  | trap      | silence | probed      |
      | by-probe  | rejected  | refused | rejected    |
      | by-probe  | rejected  | silence | probed      |
      | by-probe  | conflict  | refused | sent again  |
      | by-probe  | denied    | nothing | denied      |

    Examples: a target that offers nothing
      | guarantee | claim     | wire    | next        |
      | blind     | receipt   | done    | landed      |
      | blind     | receipt   | silence | uncertain   |
      | blind     | transient | nothing | sent again  |
      | blind     | transient | refused | sent again  |
      | blind     | transient | error   | uncertain   |
      | blind     | transient | silence | uncertain   |
      | blind     | uncertain | silence | uncertain   |
      | blind     | trap      | nothing | sent again  |
      | blind     | trap      | silence | uncertain   |
      | blind     | rejected  | refused | rejected    |
      | blind     | denied    | nothing | denied      |

  Scenario: an unknown outcome is probed, not repeated
    Given an approved intent with one effect whose guarantee is by-probe
    When the connector says uncertain and the wire saw silence
    Then the effect is probed
    And the target was sent 1 write
    When the probe says landed
    Then the effect is landed
    And the target was sent 1 write

  Scenario: absent counts only after the target has settled
    Given an approved intent with one effect whose guarantee is by-probe
    When the connector says uncertain and the wire saw silence
    And the probe says absent
    Then the effect is probed
    And the target was sent 1 write
    When 31 seconds pass
    And the probe says absent
    Then the effect is sent again

  Scenario: a host that died in an attempt looks before it writes again
    Given an approved intent with one effect whose guarantee is by-probe
    When the host dies while the write is on its way
    Then the effect is probed
    And the target was sent 1 write

  Scenario: a host that died in an attempt never repeats a blind write
    Given an approved intent with one effect whose guarantee is blind
    When the host dies while the write is on its way
    Then the effect is uncertain
    And the target was sent 1 write
    And an exception with cause uncertain has an owner

  Scenario Outline: a host that was down for longer than the target remembers keys looks before it writes again
    Given an approved intent with one effect whose guarantee is <guarantee>
    When the host dies in an attempt that leaves no record, and is back after <hours> hours
    Then the effect is <next>
    And the target was sent <writes> writes

    Examples:
      | guarantee      | hours | next   | writes |
      | by-key         | 25    | probed | 1      |
      | by-key         | 1     | landed | 2      |
      | by-natural-key | 25    | landed | 2      |

  Scenario: what is found absent after its key has ended is sent under a new one
    Given an approved intent with one effect whose guarantee is by-key
    When the host dies in an attempt that leaves no record, and is back after 25 hours
    And the probe says absent
    Then the effect is probed
    When 31 seconds pass
    And the probe says absent
    And 1 second passes
    Then the target was sent 2 writes, the last one under a new key

  Scenario: what a target cannot say any more is ended by whoever knows
    Given an approved intent with one effect whose guarantee is by-key
    When the connector says transient and the wire saw silence
    And 90000 seconds pass
    And the probe says unknown 24 times
    Then the effect is uncertain
    And the target was sent 1 write
    When the owner closes the exception by retry
    Then the effect is sent again
    And the target was sent 2 writes

  Scenario: an address that was not sealed is never written to
    Given an approved intent with one effect whose guarantee is by-key
    When the connector says transient and the wire saw nothing
    And the connection is pointed elsewhere
    Then the effect is rejected
    And the target was sent 0 writes
    And an exception with cause rejected has an owner

  Scenario: a connection that is set otherwise than it was sealed is never written to
    Given an approved intent with one effect whose guarantee is by-key
    When the connector says transient and the wire saw nothing
    And the connection is set otherwise
    Then the effect is rejected
    And the target was sent 0 writes
    And an exception with cause rejected has an owner

  Scenario Outline: what needs a person has an owner at once
    Given an approved intent with one effect whose guarantee is <guarantee>
    When the connector says <claim> and the wire saw <wire>
    Then an exception with cause <cause> has an owner

    Examples:
      | guarantee | claim     | wire    | cause     |
      | by-key    | rejected  | refused | rejected  |
      | by-key    | denied    | nothing | denied    |
      | blind     | uncertain | silence | uncertain |

  Scenario Outline: the owner settles it
    Given an approved intent with one effect whose guarantee is blind
    When the connector says uncertain and the wire saw silence
    And the owner closes the exception by <closure>
    Then the effect is <next>

    Examples:
      | closure | next       |
      | retry   | sent again |
      | probe   | probed     |
      | give-up | given up   |
