Feature: Connections
  A credential that is refused is one thing to mend, not one for every write that met it: the connection is
  paused, whoever answers for it hears of it once, and all that waits goes on when they say so.

  Scenario Outline: a refused credential pauses the connection and one person hears of it
    Given an approved intent with one effect whose guarantee is <guarantee>
    When the target refuses the credential
    And 40 intents are asked for
    Then one exception with cause denied pauses the connection
    When 10 minutes pass
    Then one exception with cause denied pauses the connection
    And the target was sent at most 16 writes
    When the target takes the credential again
    And whoever is asked finds nothing there
    And 10 minutes pass
    Then nothing has landed
    When the exception that pauses the connection is closed by retry
    And 2 minutes pass
    Then all 40 intents are done
    And the connection is not paused

    Examples:
      | guarantee      |
      | by-key         |
      | by-natural-key |
      | by-probe       |
      | blind          |

  Scenario: a refusal that is about one record pauses nothing
    Given an approved intent with one effect whose guarantee is by-key
    When the connector says denied and the wire saw refused
    Then an exception with cause denied has an owner
    And the connection is not paused
    When 3 intents are asked for
    Then all 3 intents are done

  Scenario Outline: a credential that was rotated where it is kept is read again, and nobody is bothered
    Given an approved intent with one effect whose guarantee is <guarantee>
    When the target refuses the credential
    And the credential is rotated where it is kept
    And 5 intents are asked for
    And 1 minute passes
    Then all 5 intents are done
    And nobody was told of anything

    Examples:
      | guarantee      |
      | by-key         |
      | by-natural-key |
      | by-probe       |
      | blind          |

  Scenario: what a paused connection holds is not read for a comparison either
    Given an approved intent with one effect whose guarantee is by-key
    When 1 intent is asked for
    Then all 1 intents are done
    When the target refuses the credential
    And 1 intent is asked for
    Then one exception with cause denied pauses the connection
    And what the first one wrote cannot be compared, as the connection is paused

  Scenario: a connection stays paused when the host is started again
    Given an approved intent with one effect whose guarantee is by-key
    When the target refuses the credential
    And 1 intent is asked for
    Then one exception with cause denied pauses the connection
    When the target takes the credential again
    And 1 minute passes
    And the host stops and starts
    And 3 intents are asked for
    And 10 minutes pass
    Then nothing has landed
    When the exception that pauses the connection is closed by retry
    And 2 minutes pass
    Then all 4 intents are done

  Scenario: what an operator pauses stays paused over a restart, and goes on when they say so
    Given an approved intent with one effect whose guarantee is by-key
    When an operator pauses the connection
    Then it cannot be paused a second time
    When 3 intents are asked for
    And 20 minutes pass
    And the host stops and starts
    And 20 minutes pass
    Then nothing has landed
    When an operator lets the connection go on
    And 2 minutes pass
    Then all 3 intents are done
    And the connection cannot be let go on a second time

  Scenario: a connection whose connector is not there at a start keeps its work until that comes, and nobody is bothered
    Given an approved intent with one effect whose guarantee is by-key
    When the target is left alone for 60 seconds at a time
    And 3 intents are asked for
    And the host stops, and starts without the connectors
    And 20 minutes pass
    And 2 intents are asked for
    And 20 minutes pass
    Then nothing has landed
    And nobody was told of anything
    When the connectors come, and the target is not left alone any more
    And 20 minutes pass
    Then all 5 intents are done

  Scenario: what waits long for a connection that an operator has paused has one person told of it
    Given an approved intent with one effect whose guarantee is by-key
    When the target is left alone for 5 seconds at a time
    And 4 intents are asked for
    And 1 minute passes
    And an operator pauses the connection
    And the target is left alone no more
    And 5 minutes pass
    Then nobody was told of anything
    When 15 minutes pass
    Then one exception with cause unavailable tells of the connection
    And it says that an operator paused it
    And no attempt was made
    When an operator lets the connection go on
    And 2 minutes pass
    Then all 4 intents are done
    And nothing is left open

  Scenario: an operator and a refused credential pause a connection apart from each other
    Given an approved intent with one effect whose guarantee is by-key
    When the target refuses the credential
    And 1 intent is asked for
    Then one exception with cause denied pauses the connection
    When an operator pauses the connection
    And the target takes the credential again
    And the exception that pauses the connection is closed by retry
    And 10 minutes pass
    Then nothing has landed
    When an operator lets the connection go on
    And 2 minutes pass
    Then all 1 intents are done

  Scenario: what is given up resumes the connection, and a refusal pauses it anew
    Given an approved intent with one effect whose guarantee is by-key
    When the target refuses the credential
    And 3 intents are asked for
    Then one exception with cause denied pauses the connection
    When the exception that pauses the connection is closed by give-up
    And 2 minutes pass
    Then one exception with cause denied pauses the connection
    And one intent is done without its write

  Scenario: a probe that is refused pauses the connection too, and costs nothing
    Given an approved intent with one effect whose guarantee is by-probe
    When the connector says uncertain and the wire saw silence
    And the target refuses the credential
    And the probe is refused
    Then one exception with cause denied pauses the connection
    When the target takes the credential again
    And the exception that pauses the connection is closed by retry
    And the probe says landed
    Then the effect is landed
    And the target was sent 1 write

  Scenario: whether a blind write is in stays uncertain, whoever refuses to say
    Given an approved intent with one effect whose guarantee is blind
    When the connector says uncertain and the wire saw silence
    And the owner closes the exception by probe
    And the target refuses the credential
    And the probe is refused 24 times
    Then the effect is uncertain
    And the target was sent 1 write

  Scenario: while a target is left alone nothing is sent, and no attempt is spent
    Given an approved intent with one effect whose guarantee is by-key
    When the target is left alone for 10 seconds at a time
    And 3 intents are asked for
    And 60 minutes pass
    Then the target was sent 0 writes
    And no attempt was made
    When the target is left alone no more
    And 1 minute passes
    Then all 3 intents are done

  Scenario: what is only to be planned waits too, and one person hears of it
    Given an approved intent with one effect whose guarantee is by-key
    When plans are refused, and the credential with them
    And 5 intents are asked for
    Then one exception with cause denied pauses the connection
    When 60 minutes pass
    Then one exception with cause denied pauses the connection
    And the target was asked for at most 8 plans
    When the target takes the credential again
    And the exception that pauses the connection is closed by retry
    And 2 minutes pass
    Then all 5 intents are done

  Scenario: a target that stays down is told to one person, and all goes on by itself when it is back
    Given an approved intent with one effect whose guarantee is by-key
    When the target is left alone for 10 seconds at a time
    And it has failed for 9 minutes
    And 5 intents are asked for
    And 1 minute passes
    Then nobody was told of anything
    When it has failed for 10 minutes
    And 2 minutes pass
    Then one exception with cause unavailable tells of the connection
    And it can be closed by give-up alone
    When 60 minutes pass
    Then one exception with cause unavailable tells of the connection
    And the target was sent 0 writes
    When the target is left alone no more
    And 1 minute passes
    Then all 5 intents are done
    And nothing is left open

  Scenario: whoever gives up what waits for a target that is down leaves the others to wait, and one more is told
    Given an approved intent with one effect whose guarantee is by-key
    When the target is left alone for 10 seconds at a time
    And it has failed for 10 minutes
    And 3 intents are asked for
    And 1 minute passes
    Then one exception with cause unavailable tells of the connection
    When what tells of the connection is closed by give-up
    And 2 minutes pass
    Then one intent is done without its write
    And one exception with cause unavailable tells of the connection

  Scenario: a target that fails at each of the few attempts that it gets is told of too
    Given an approved intent with one effect whose guarantee is by-key
    When it has failed for 10 minutes
    And the connector says transient and the wire saw nothing
    Then an exception with cause unavailable has an owner
    And the effect is sent again

  Scenario Outline: a connector that breaks whatever is written pauses its connection, and one person hears of it
    Given an approved intent with one effect whose guarantee is <guarantee>
    When the connector breaks at every write
    And 40 intents are asked for
    Then one exception with cause quarantined pauses the connection
    When 10 minutes pass
    Then one exception with cause quarantined pauses the connection
    And the connector was called for at most 20 writes
    When the host stops and starts
    And 10 minutes pass
    Then the connector was called for at most 20 writes
    When the connector is whole again
    And 10 minutes pass
    Then nothing has landed
    When the exception that pauses the connection is closed by retry
    And 2 minutes pass
    Then all 40 intents are done
    And the connection is not paused

    Examples:
      | guarantee      |
      | by-key         |
      | by-natural-key |
      | by-probe       |
      | blind          |

  Scenario: a broken build keeps nothing from another one
    Given an approved intent with one effect whose guarantee is by-key
    When the connector breaks at every write
    And 5 intents are asked for
    Then one exception with cause quarantined pauses the connection
    When the host starts with another build beside the one before
    And 3 intents are asked for
    Then 3 intents are done, and one waits with an exception of cause quarantined
    When the exception that pauses the connection is closed by retry
    And 2 minutes pass
    Then all 8 intents are done

  Scenario: a build that breaks whatever it is given is rolled back by itself, and not gone back to
    Given an approved intent with one effect whose guarantee is by-key
    When the connector is replaced by another build, and the one before stays installed
    And the connector breaks at every write
    And 5 intents are asked for
    Then the build before serves again, and the record of the connector says so
    And one of them waits with an exception of cause quarantined
    When the connector is whole again
    And 3 intents are asked for
    Then 3 intents are done, and one waits with an exception of cause quarantined
    And they were written by the build before
    When the host stops and starts
    Then the build before serves again, and the record of the connector says so

  Scenario: a build whose own code fails at whatever it is given is rolled back too
    Given an approved intent with one effect whose guarantee is by-key
    When the connector is replaced by another build, and the one before stays installed
    And the code of the connector fails at every write
    And 5 intents are asked for
    Then the build before serves again, and the record of the connector says so

  Scenario: breaks that are not one after the other say nothing of the connector
    Given an approved intent with one effect whose guarantee is by-key
    When 8 intents are asked for one after the other, and the connector breaks at the first attempt of each
    Then all 8 intents are done
    And nobody was told of anything

  Scenario: time that runs out says nothing of the connector
    Given an approved intent with one effect whose guarantee is by-key
    When time runs out at every write
    And 5 intents are asked for
    And 2 seconds go by
    Then the connection is not paused
    When the connector is whole again
    And 20 minutes pass
    Then all 5 intents are done

  Scenario: once it was let go on, what broke before does not count
    Given an approved intent with one effect whose guarantee is by-key
    When the connector breaks at every write
    And 5 intents are asked for
    Then one exception with cause quarantined pauses the connection
    When the connector is whole again
    And the exception that pauses the connection is closed by retry
    And the connector breaks at the next write
    And 2 minutes pass
    Then all 5 intents are done
    And the connection is not paused

  Scenario: one write that breaks the connector pauses nothing
    Given an approved intent with one effect whose guarantee is by-key
    When the connector breaks at every write
    And 1 intent is asked for
    And 10 minutes pass
    And the connector is whole again
    And 3 intents are asked for
    Then 3 intents are done, and one waits with an exception of cause quarantined
    And the connection is not paused

  Scenario: a first attempt that died with its host is looked for, when its connector was gone until its key may be forgotten
    Given an approved intent with one effect whose guarantee is by-key
    When its first attempt dies with its host, and 25 hours pass
    And its connector is gone when the host starts again
    And the one before is installed again, and the owner of the exception closes it by retry
    Then it is looked for before anything is sent
