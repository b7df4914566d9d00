from decoders.training.seeds import step_seed


def test_seeds_of_steps_differ():
    assert len({step_seed(seed, step) for seed in range(20) for step in range(50)}) == 1000


def test_processes_that_share_a_step_draw_their_own_and_the_first_what_one_would():
    assert len({step_seed(0, step, rank) for step in range(50) for rank in range(8)}) == 400
    assert step_seed(3, 5, 0) == step_seed(3, 5)
