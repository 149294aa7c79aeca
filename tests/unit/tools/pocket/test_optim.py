import pytest

torch = pytest.importorskip("torch")

from tools.pocket.optim import Muon, orthogonalise, split_parameters  # noqa: E402


@pytest.mark.parametrize("shape", [(48, 48), (24, 96), (96, 24), (16, 20)])
def test_singular_values_come_near_one(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonalise(torch.randn(shape)))
    assert values.max() < 1.4
    assert values.median() > 0.5


def test_long_matrices_take_the_short_way_to_the_same_place() -> None:
    torch.manual_seed(1)
    matrix = torch.randn(20, 60)
    x = matrix / matrix.norm()
    for _ in range(5):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    assert torch.allclose(orthogonalise(matrix), x, atol=1e-3)


def test_it_learns() -> None:
    torch.manual_seed(2)
    model = torch.nn.Sequential(torch.nn.Linear(8, 32), torch.nn.SiLU(), torch.nn.Linear(32, 8))
    optimiser = Muon(*split_parameters(model), lr=1e-2)
    x = torch.randn(64, 8)
    losses = []
    for _ in range(60):
        loss = (model(x) - x.flip(1)).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]


def test_vectors_and_named_matrices_are_left_to_adam() -> None:
    model = torch.nn.ModuleDict({"inner": torch.nn.Linear(8, 8), "head": torch.nn.Linear(8, 8)})
    matrices, others = split_parameters(model, ("head",))
    assert [tuple(p.shape) for p in matrices] == [(8, 8)]
    assert len(others) == 3
