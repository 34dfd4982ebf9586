# ruby space.rb PATH: a Rinda tuple space on a Unix socket, until SIGTERM.
require "drb/unix"
require "rinda/tuplespace"

LOOK = 0.5 # seconds between two looks for what has expired; Rinda's own default is 60

trap("TERM") { exit!(0) }
DRb.start_service("drbunix:#{ARGV.fetch(0)}", Rinda::TupleSpace.new(LOOK))
DRb.thread.join
