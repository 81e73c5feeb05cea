"""Behaviour: the named parameters and switches of every decision rule, each with its unit and meaning.

Values live in scenarios/world/behaviour.yaml with source and range; a value without a source says `source: assumption`.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, ValidatorFunctionWrapHandler, field_validator

from sim.quantity import Of, Quantity

Switch = Literal["on", "off"]
"""`off` sets a mechanism to its neutral value; the pattern it explains must vanish with it."""


def parameter(unit: str, text: str) -> Any:
    """A field that states its unit and meaning, for schema, tables and forms."""
    return Field(description=text, json_schema_extra={"unit": unit})


class Behaviour(BaseModel):
    """Every parameter of behaviour; see docs/odd.md for the rules that use them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*", mode="wrap")
    @classmethod
    def _in_its_unit(cls, said: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        extra = cls.model_fields[str(info.field_name)].json_schema_extra
        if not isinstance(extra, dict):
            return handler(said)
        unit = str(extra["unit"])
        of = Of(unit, at_least=0, at_most=1 if unit in ("share", "probability") else None)
        return of.checked(handler(of.with_unit(said)))

    stockpiling: Switch = Field("on", description="Orders ahead of need when a ban is feared.")
    belief: Switch = Field(
        "on", description="Buyers learn from rules and leaks; off holds belief at belief_before_share."
    )
    redesign: Switch = Field("on", description="Makers offer parts cut to the line; off offers none.")
    commitments: Switch = Field("on", description="Makers book capacity ahead; off makes on order without charge.")
    impatience: Switch = Field("on", description="Waiting lowers worth; off makes buyers patient.")
    diversion: Switch = Field("on", description="Goods evade the rules; off closes the grey lanes.")
    enforcement: Switch = Field("on", description="Networks are found and shut; off lets them be.")
    rental: Switch = Field("on", description="Idle hours are offered; off leaves them idle.")
    offshore: Switch = Field("on", description="Clouds abroad host barred tenants; off closes them.")
    thrift: Switch = Field("on", description="Scarcity speeds efficiency; off leaves the common trend.")
    rebound: Switch = Field("on", description="Cheaper tokens raise inference wants; off leaves plans.")
    substitution: Switch = Field(
        "on", description="Chinese labs weigh domestic parts; off keeps them to foreign parts save state mandates."
    )
    learning: Switch = Field("on", description="Yield and skill grow with use; off holds them.")
    domestic_preference_on: Switch = Field(
        "on", description="State-funded labs favour domestic parts; off makes them indifferent."
    )
    memory_limit: Switch = Field("on", description="Chinese output needs memory stacks; off gives them freely.")

    # Labs: wants and values
    impatience_share_per_month: Quantity = parameter(
        "share per month", "Fall in worth per month of expected wait; 1.10 to the wait gives both street premia."
    )
    choice_exponent: Quantity = parameter(
        "exponent", "How sharply spend follows worth per dollar across parts (logit on logs)."
    )
    train_share: Quantity = parameter("share", "Share of a lab's plan meant for training; the rest serves inference.")
    host_cost_usd: Quantity = parameter(
        "USD per card",
        "Server, network and power share of one card, outside accelerator budgets; why small cards do not replace large.",
    )
    spend_china_early_share: Quantity = parameter(
        "share",
        "Where the spend of Chinese labs lies in the ranges of their budgets up to 2023: 0 low end, 0.5 central, 1 high end.",
    )
    spend_china_late_share: Quantity = parameter("share", "The same from 2024.")
    spend_abroad_early_share: Quantity = parameter("share", "The same for all other labs up to 2023.")
    spend_abroad_late_share: Quantity = parameter("share", "The same for all other labs from 2024.")
    order_gap_weeks: Quantity = parameter(
        "weeks",
        "Time in which a lab closes the gap between outstanding orders and what its expected wait asks for.",
    )
    order_surge_multiple: Quantity = parameter("x weekly plan", "Most a lab orders in a week without fear of a ban.")
    wait_horizon_weeks: Quantity = parameter("weeks", "Longest wait a lab plans orders for.")
    carry_over_weeks: Quantity = parameter("weeks of plan", "Unspent budget a lab may carry; more lapses.")
    spot_cash_weeks: Quantity = parameter("weeks", "Time over which unspent budget is offered on the spot market.")
    spot_plan_share: Quantity = parameter("share of plan", "Part of its weekly plan a lab bids on the spot market.")
    spot_patience_share: Quantity = parameter(
        "share of cash", "Largest share of unspent budget bid on the spot market."
    )
    dear_plan_multiple: Quantity = parameter(
        "x world price", "Most that a unit of planned compute is worth to a lab, over its price where nothing is barred."
    )
    domestic_preference: Quantity = parameter(
        "x worth", "Non-performance premium of domestic parts for state-funded labs."
    )
    domestic_preference_private: Quantity = parameter("x worth", "The same for private Chinese labs.")
    software_other_train_share: Quantity = parameter(
        "share", "Software maturity in training of makers whose entry states none: the fixed part of porting cost."
    )
    software_other_infer_share: Quantity = parameter("share", "The same in inference.")
    stand_in_distance: Quantity = parameter(
        "ln of training worth", "Distance within which two parts of one maker stand in for each other."
    )
    hopeful_grant_share: Quantity = parameter("probability", "Chance of a grant below which nobody plans on a licence.")
    skill_initial_share: Quantity = parameter(
        "share", "Share of a new vendor's worth a lab reaches before it has used it."
    )
    skill_halving_weeks: Quantity = parameter("weeks", "Weeks of use that halve the skill gap with a vendor.")
    stigma_platform_share: Quantity = parameter(
        "share of price", "Legal-risk premium of large platforms before buying grey."
    )
    stigma_other_share: Quantity = parameter("share of price", "The same for start-ups, lessors, institutes.")
    scrap_share_per_year: Quantity = parameter("share per year", "Failure and scrap of cards in place.")
    rebound_elasticity: Quantity = parameter("elasticity", "Growth of inference wants per fall in cost per token.")
    rebound_half_weeks: Quantity = parameter("weeks", "Lag of wants behind cheaper tokens.")

    # Labs: belief and stockpile
    hazard_scale_per_year: Quantity = parameter(
        "per year", "h(m) = scale (m/12)^exponent, m months since the last closure."
    )
    hazard_exponent: Quantity = parameter("exponent", "See hazard_scale_per_year.")
    belief_before_share: Quantity = parameter("probability", "Belief in a ban within a year before any closure.")
    belief_horizon_weeks: Quantity = parameter("weeks", "Horizon of belief.")
    cover_max_weeks: Quantity = parameter("weeks", "Most cover a stockpile aims for.")
    holding_share_per_week: Quantity = parameter(
        "share of shortage cost per week", "Cost of holding a week's cover early, over the cost of lacking it."
    )
    credit_multiple: Quantity = parameter(
        "x weekly plan", "Most a lab orders in a week while its belief exceeds credit_belief_share."
    )
    credit_belief_share: Quantity = parameter("probability", "Belief above which a lab orders on credit.")
    credit_repay_weeks: Quantity = parameter("weeks", "Time over which what was bought ahead of budget is paid back.")

    # Makers
    forecast_weeks: Quantity = parameter("weeks", "Memory of the order forecast.")
    booking_growth_share_per_week: Quantity = parameter("share per week", "Fastest growth of bookings of one part.")
    booking_fall_share_per_week: Quantity = parameter(
        "share per week", "Fastest fall of bookings of a part: inputs on order are frozen for half a year."
    )
    lead_weeks: Quantity = parameter("weeks", "From booking to completion.")
    materials_weeks: Quantity = parameter(
        "weeks", "How far ahead wafers and memory are ordered and cannot be cancelled, from order to completion."
    )
    title_weeks: Quantity = parameter("weeks", "From completion to passing of title.")
    die_out_share: Quantity = parameter(
        "share of lead", "Point of the lead at which the die is out and the part is chip-specific."
    )
    target_wait_weeks: Quantity = parameter("weeks", "Queue a maker aims at, in weeks of deliveries.")
    china_capacity_share: Quantity = parameter(
        "share", "Most of a maker's packaging that parts meant for China may take."
    )
    release_share: Quantity = parameter(
        "share", "Share of a generation's peak lines released to parts on its die when the next generation ramps."
    )
    handover_share: Quantity = parameter(
        "share", "Of the predecessor's peak bookings that a new global part starts with on the same lines."
    )
    preorder_weeks: Quantity = parameter("weeks", "How long before first volume a maker takes orders.")
    end_of_life_weeks: Quantity = parameter(
        "weeks", "After a successor's first volume, until the last order for a part is taken."
    )
    recapture_share: Quantity = parameter(
        "share", "Of a barred part's orders that its maker plans for the part cut to the rule."
    )
    release_weeks: Quantity = parameter("weeks", "Time of that release.")
    convertible_generic_share: Quantity = parameter("share", "Convertible part of wafers and memory on order.")
    convertible_specific_share: Quantity = parameter("share", "Convertible part of chip-specific work in process.")
    cost_booking_share: Quantity = parameter("share of unit cost", "Cost accrued at booking.")
    cost_die_share: Quantity = parameter("share of unit cost", "Cost accrued when the die is out.")
    board_cost_multiple: Quantity = parameter("x chip cost", "Module cost over chip cost.")
    networking_share: Quantity = parameter(
        "share", "Links and systems in a vendor's data-centre revenue outside China."
    )
    other_cards_usd_per_week: Quantity = parameter(
        "USD per week", "Small inference cards a listed vendor sells outside China; no topic of the model."
    )
    other_margin_share: Quantity = parameter("share", "Gross margin of a listed vendor's sales beside accelerators.")
    licence_loss_share: Quantity = parameter(
        "probability", "Probability that barred stock cannot be licensed, as booked."
    )
    list_response_share_per_quarter: Quantity = parameter(
        "share per quarter", "Move of list price per doubling of the queue over its target."
    )
    fuse_announce_weeks: Quantity = parameter("weeks", "From rule to announcement of a fuse-only part.")
    fuse_volume_weeks: Quantity = parameter("weeks", "From rule to volume of a fuse-only part.")
    board_volume_weeks: Quantity = parameter("weeks", "From rule to volume of a memory or board change.")
    safety_distance_share: Quantity = parameter("share", "Distance kept from a threshold.")
    stack_cost_usd: Quantity = parameter("USD per stack", "Cost of one memory stack more or less on a redesigned part.")
    redesign_gain_share: Quantity = parameter("share", "Least gain in expected margin for which a maker draws another part.")
    design_error_share: Quantity = parameter("share", "Standard error of a maker's guess at its buyers' split between uses.")

    # Channel and enforcement
    server_markup_share: Quantity = parameter("share", "Mark-up of a server maker on a card.")
    resale_markup_share: Quantity = parameter("share", "Mark-up of a lawful reseller on spot.")
    grey_network_multiple: Quantity = parameter("x list", "Marginal cost of a diversion network, over list.")
    network_chips_per_week: Quantity = parameter("chips per week", "Throughput of one network.")
    network_cover_weeks: Quantity = parameter(
        "weeks", "Throughput that a network likes to have in stock and on order beyond the wait."
    )
    network_usual_profit_share: Quantity = parameter(
        "share of list", "Profit over list at which networks grow by their yearly rate."
    )
    networks_initial: Quantity = parameter("networks", "Networks at work when the first chip is barred.")
    network_entry_per_year: Quantity = parameter("per network-year", "Growth of networks at a margin of 40%.")
    network_margin_share: Quantity = parameter("x list", "Part of grey_network_multiple that is the network's own earning.")
    network_upkeep_share: Quantity = parameter(
        "x list", "Cost of fronts, papers and idle money per chip of throughput, whether it is used or not."
    )
    network_imitation_share: Quantity = parameter(
        "share", "Entrants that go where networks work; the others go to a hub by its size."
    )
    networks_max: Quantity = parameter("networks", "Carriers, fronts and buyers there are.")
    hub_diversion_cap_share: Quantity = parameter(
        "share", "Most of the world's flagship deliveries outside China that hubs can divert."
    )
    detection_per_year: Quantity = parameter("per network-year", "Hazard that a network is shut at the effort of 2024.")
    detection_elasticity: Quantity = parameter("elasticity", "Of detection to enforcement effort.")
    detection_crowd_networks: Quantity = parameter("networks", "Networks at one hub that double the hazard there.")
    customs_detection_multiple: Quantity = parameter(
        "x detection", "Rise of the hazard if every consignment into China were inspected."
    )
    reputation_multiple: Quantity = parameter(
        "x value of the goods", "Liberty, name and trade lost when caught, beside the penalty."
    )
    exposure_weeks: Quantity = parameter("weeks", "Of a network's goods that come to light, and are punished, when it is found.")
    penalty_multiple: Quantity = parameter("x value of the goods", "Penalty when caught.")
    concealment_share: Quantity = parameter("share of value", "Shells, repacking, papers.")
    seizure_share: Quantity = parameter("share", "Of a bust network's goods seized.")
    shell_weeks: Quantity = parameter("weeks", "Time for a new shell to replace a bust one.")
    bust_scare_share: Quantity = parameter("share", "Fall in a hub's flow for shell_weeks after a bust there.")
    verification_detection_multiple: Quantity = parameter(
        "x detection", "Detection of diverted chips that report their place."
    )

    # Rental
    utilisation_hyperscaler_share: Quantity = parameter("share", "Own use of own hours.")
    utilisation_lab_share: Quantity = parameter("share", "Own use of own hours.")
    utilisation_state_share: Quantity = parameter("share", "Own use of own hours.")
    utilisation_tail_share: Quantity = parameter("share", "Own use of own hours.")
    utilisation_lessor_share: Quantity = parameter("share", "Own use of own hours by those who live by renting.")
    power_usd_per_hour: Quantity = parameter("USD per card-hour", "Power and staff at full load.")
    rent_adaptation_share: Quantity = parameter(
        "share per week", "How far the rents on which owners and tenants plan move in a week towards those just paid."
    )
    rent_floor_share: Quantity = parameter(
        "share of capital cost per year", "Least yearly rent an owner takes, over card and host cost."
    )
    card_life_years: Quantity = parameter("years", "Economic life of a card.")
    frontier_memory_gb: Quantity = parameter("GB", "Least memory of a card that hosts frontier inference.")
    let_worth_least: Quantity = parameter("h100 weights", "Parts worth less in both uses find no tenant.")
    let_chips_least: Quantity = parameter("chips", "Fewest idle cards of one kind that are worth a contract.")
    lease_value_multiple: Quantity = parameter(
        "x bought", "What a week at call is worth to a tenant, over a week's part of the life of a card it would buy."
    )
    cloud_let_share: Quantity = parameter("share", "Part of its cards an offshore cloud lets.")
    tail_rent_share: Quantity = parameter("share of plan", "Part of their plan that the many small users spend on leases at home.")
    offshore_rent_share: Quantity = parameter(
        "share of plan", "Part of a Chinese platform's plan spent on leases abroad, where it may be hosted."
    )
    cloud_start_chips: Quantity = parameter(
        "chips", "Cards beside its stock that an offshore cloud's growth is reckoned on: its first halls."
    )
    cloud_growth_share_per_week: Quantity = parameter("share per week", "Fastest growth of an offshore cloud.")
    cloud_latency_share: Quantity = parameter("share of worth", "Worth lost by computing abroad.")

    # Chinese supply
    domestic_packaging_growth_per_year: Quantity = parameter(
        "x per year", "Growth of Huawei's card packaging while short."
    )
    domestic_packaging_max_cards: Quantity = parameter("cards per week", "Where that growth ends, 2024.")
    domestic_packaging_start_cards: Quantity = parameter("cards per week", "Packaging in January 2022.")
    domestic_packaging_late_growth_per_year: Quantity = parameter("x per year", "Growth of the ceiling after 2024.")
    yield_start_share: Quantity = parameter("share", "Line yield of a large die at the start.")
    yield_gain_share: Quantity = parameter("share", "Gain of line yield with output.")
    yield_scale_dies: Quantity = parameter("dies", "Good dies of its own line over which that gain is made (Wright).")
    other_domestic_start_cards: Quantity = parameter(
        "cards per week", "Output of the other Chinese makers in January 2023."
    )
    other_domestic_growth_per_year: Quantity = parameter("x per year", "Growth of that output.")
    huawei_wafer_share: Quantity = parameter("share", "Huawei's part of SMIC wafers for AI dies.")
    memory_flow_stacks_per_week: Quantity = parameter(
        "stacks per week", "Memory stacks Chinese buyers can get in ordinary weeks."
    )
    memory_rush_stacks_per_week: Quantity = parameter(
        "stacks per week", "The most suppliers deliver once an announced bar will strand their stock."
    )
    memory_start_stacks: Quantity = parameter("stacks", "Memory stacks in Chinese stores when the run starts.")
    memory_calm_cover_weeks: Quantity = parameter("weeks", "Cover memory buyers keep where nothing is feared.")
    memory_cover_weeks: Quantity = parameter("weeks", "Cover memory buyers aim for when a bar is certain.")
    memory_gap_weeks: Quantity = parameter("weeks", "Time in which a store of memory is brought to its cover.")
    memory_lead_weeks: Quantity = parameter("weeks", "From wafer start of a memory stack to its package: bought that far ahead.")
    tool_ban_slowdown_share: Quantity = parameter(
        "share", "More time per added wafer capacity under the tool controls."
    )
    tools_observed_share: Quantity = parameter("share", "Tools that passed while the capacity paths were observed.")
    subsidy_observed_share: Quantity = parameter("share", "Subsidy in force while the capacity paths were observed.")
    subsidy_response_ratio: Quantity = parameter(
        "ratio", "Growth of domestic capacity gained per share of its cost that the state bears."
    )
    low_end_cards_per_week: Quantity = parameter("cards per week", "Foreign cards for inference sold in China.")
    low_end_budget_share: Quantity = parameter(
        "share", "Part of low-end foreign cards paid from Chinese labs' accelerator budgets; the rest is ordinary servers' money."
    )
    low_end_listed_share: Quantity = parameter(
        "share", "Part of the sales of low-end foreign cards in China that a listed vendor books beside its non-data-centre sales."
    )
    low_end_growth_per_year: Quantity = parameter("x per year", "Growth of that flow.")

    # Progress
    need_share: Quantity = parameter(
        "share", "Of its usable training worth that a lab's own training takes up when it starts."
    )
    training_plan_weeks: Quantity = parameter(
        "weeks", "Time in which training takes up the stock that is there: teams, data and programmes are planned ahead."
    )
    run_share: Quantity = parameter("share", "Largest share of the worth at work in training that a lab puts in one run.")
    run_weeks: Quantity = parameter("weeks", "Length of such a run.")
    mfu_share: Quantity = parameter("share", "Model FLOP utilisation of Nvidia clusters.")
    release_weeks_after_run: Quantity = parameter("weeks", "From end of a run to publication.")
    efficiency_growth_per_year: Quantity = parameter("x per year", "Algorithmic efficiency at the frontier.")
    scarcity_thrift_share: Quantity = parameter("share", "s in dE/dt: thrift from being short of compute.")
    thrift_most_share: Quantity = parameter("share of trend", "Most that being short of compute adds to efficiency growth.")
    methods_behind_years: Quantity = parameter(
        "years", "How far methods of labs outside the United States trail the frontier's when the run starts."
    )
    diffusion_years: Quantity = parameter("years", "Time in which ideas diffuse.")
    plan_growth_training_per_year: Quantity = parameter(
        "x per year",
        "Growth of training a lab plans at first; then its own stock's growth, within this range, whose top is a team's fastest.",
    )
    retro_failure_share_per_year: Quantity = parameter("share per year", "Unrepaired failures without spares.")
    forced_sale_share: Quantity = parameter("share of list", "What a host pays for cards that a retroactive rule puts on sale.")
    retro_software_share_per_year: Quantity = parameter("share per year", "Worth lost without software support.")

    # Government and reach
    military_target_h100e: Quantity = parameter("h100e", "Compute whose access by a listed user is measured.")
    reach_flow_share: Quantity = parameter(
        "share", "Part of a weekly flow of goods that one user of the target's size can take without moving the market."
    )
    reach_lease_share_per_week: Quantity = parameter(
        "share per week", "Part of the hours on offer that one user can bring under contract in a week."
    )
    front_share: Quantity = parameter("share of the tail", "Unlisted buyers that are fronts.")
    screening_share: Quantity = parameter("share", "Idle domestic hours that screening withholds from listed users.")
    tax_share: Quantity = parameter("share", "Tax on profit.")
    review_weeks: Quantity = parameter("weeks", "Rhythm of an adaptive government's review.")
    adaptive_leakage_share: Quantity = parameter("share", "Leakage above which an adaptive US tightens.")
    adaptive_train_cap_h100e: Quantity = parameter(
        "h100 train weights per year", "Legal training worth above which an adaptive US tightens."
    )
    lobby_weight: Quantity = parameter(
        "ratio", "Weight of vendors' China share of sales against training worth over its cap, adaptive US."
    )
    usual_china_share: Quantity = parameter("share", "China's share of vendors' sales before controls, adaptive US.")
    officers_cost_score: Quantity = parameter(
        "score", "What a decree that funds enforcement must be worth to an adaptive US."
    )
    officers_step_multiple: Quantity = parameter("x officers", "Officers after such a decree over those before it.")
    reopened_grant_share: Quantity = parameter("probability", "Chance of a licence where an adaptive US opens a door again.")
    reopened_delay_weeks: Quantity = parameter("weeks", "Wait for it.")
    reopened_revenue_share: Quantity = parameter("share", "Share of revenue it then asks for.")
    restrain_ready_share: Quantity = parameter(
        "share", "Readiness at which an adaptive China starts to restrain purchases."
    )
    restrain_advantage_ratio: Quantity = parameter("ratio", "Foreign advantage that holds it back.")
    restrain_ready_weight: Quantity = parameter("score", "Weight of readiness over that share in China's restraint.")
    restrain_advantage_weight: Quantity = parameter("score", "Weight of foreign advantage over that ratio.")
    restrain_incident_weight: Quantity = parameter("score", "Weight of a part barred within half a year.")
    restrain_exposure_weight: Quantity = parameter("score", "Weight of China's share of vendors' sales: its leverage.")
    guidance_restraint_share: Quantity = parameter("share", "Restraint from which an adaptive China gives guidance.")
    customs_restraint_share: Quantity = parameter("share", "Restraint from which its customs inspect.")
    mandate_restraint_share: Quantity = parameter("share", "Restraint from which state centres buy domestic parts only.")
    guidance_demand_share: Quantity = parameter("share", "Demand for foreign parts that its guidance leaves.")
    customs_demand_share: Quantity = parameter("share", "Demand for foreign parts that guidance leaves once customs inspect.")
    customs_inspected_share: Quantity = parameter("share", "Goods that its customs open.")
    subsidy_dependence_share: Quantity = parameter(
        "share", "Part of the cost of capacity it bears where all new compute is foreign."
    )

    def on(self, switch: str) -> bool:
        """Whether a mechanism is at work."""
        return bool(self.__dict__[switch] == "on")
